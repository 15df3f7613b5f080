"""How the parts are put together: one file for each kind of process or work, imported when it is first asked for."""
