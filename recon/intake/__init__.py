"""From the events of a reader to statements in minor units, proven or not. Plain Python."""
