"""Incidents: something went wrong that people see to together, from the first look to what was learnt from it.

One opens by itself from an alert that stands, where the rules say so, or because somebody declares it. It knows what
served when it began, gathers the runs that show what went wrong, brings the checklist of its severity, and keeps who
did what and when. It is over when it is resolved; it is learnt from when its postmortem is reviewed.
"""
