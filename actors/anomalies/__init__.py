"""Watches what people and machines do, and says when it is not like them. Pure: a stream of records in, alerts out.

    Record ──▶ rules.py      what is wrong by itself: bursts, refunds under the threshold, guessing, two places
           ──▶ made_approvers.py   whose account decides an approval just after somebody else had a hand in it
           ──▶ features.py ──▶ model.py     what is unlike the role, or unlike the person, without being wrong by itself
                                   └─▶ monitor.py: one episode is one alert

Neither clock nor I/O: time is the records' own, so that a month is judged in seconds and a restart
judges the same records alike.
"""
