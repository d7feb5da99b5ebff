"""The same random durable conversations on all bot classes, in one process or in many."""
