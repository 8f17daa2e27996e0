"""What others push to Weft: Prometheus remote write, OTLP metrics and logs, changes.

Comes in: bodies of requests, already authenticated, from the API's routes. Goes out: rows to the intake, and an answer
that tells the sender what was taken, what was wrong and when to try again. Must never take more than it can hold.
"""

from weft.collect.push.changes import ChangeReport, ChangesTaken
from weft.collect.push.config import PushConfig
from weft.collect.push.pushes import Pushes, Written
from weft.collect.push.senders import Sender, TooFast

__all__ = ["ChangeReport", "ChangesTaken", "PushConfig", "Pushes", "Sender", "TooFast", "Written"]
