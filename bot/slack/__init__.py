"""Everything that comes in from Slack: checked, understood, handed to the front door, and answered."""
