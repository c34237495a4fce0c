"""The service's own API: the `router` of each module in here is served."""
