"""The spool: a local, durable buffer for finished records while the store is away."""
