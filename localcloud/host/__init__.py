"""A Functions host that runs `function_app.py` unchanged, on azure-functions' own converters.

It is a process of its own, so that it can be killed and started again in the middle of anything. It does what the
real host does at the seams a function sees: one invocation per Event Grid event, a 202 or a 500
for the whole request; queue messages leased for ten minutes, dequeue counts, poison queues; timers that do not
overlap and make up for what they missed; keys and what each opens; several hosts of one app. What it cannot run it
refuses when it starts, by name. docs/localcloud-host.md says what is as there and what is not.
"""
