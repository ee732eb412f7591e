"""Approvals: requests to people and what they answered.

A request is made when a call, a question, a login or money needs a person; the run that made it waits, and nothing runs
meanwhile. It says what is to be done, why it is asked, and who may answer until when. One answer wins, whoever and
however many answer at once; it holds for that call with those arguments, once.
"""
