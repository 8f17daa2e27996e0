"""Notifications: who is told of which events, by what, and no more often than helps.

Comes in: events as they change. Goes out: messages to chat, mail, pagers and webhooks, each of one event once per
change. Must never hold up detection: every channel has a queue and a thread of its own, bounded, with counters.
"""
