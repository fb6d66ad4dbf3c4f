"""Pure: the state machine of a rollout, its traffic array and the judgement of its canary."""
