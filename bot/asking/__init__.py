"""What all share that ask the world over HTTP or by scripts: steps, gates, and evidence that is pulled."""
