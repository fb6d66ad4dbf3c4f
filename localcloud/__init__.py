"""An Azure on one machine, for the demo, the tests and the bench; never deployed, and knows nothing of the product."""
