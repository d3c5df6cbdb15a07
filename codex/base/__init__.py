"""Leaf helpers of the rooms above: errors, ids, JSON text, truncation. Knows nothing of the product."""
