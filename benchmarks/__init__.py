"""Measurements that anyone can repeat; ratios of what is measured side by side in one run."""
