"""The tools, one a file; none imports another."""
