"""Chain sources: what is followed, how far the chain is, what moved, what is proven."""
