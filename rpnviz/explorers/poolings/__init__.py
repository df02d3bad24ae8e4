"""The poolings explorer: which columns the poolings drop."""
