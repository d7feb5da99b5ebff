"""The harnesses of the adapters that come with aiostep, one module per framework; copy the shortest."""
