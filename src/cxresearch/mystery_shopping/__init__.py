"""Mystery shopping: whether scores can be trusted."""
