"""TraySync keeps local SQLite copies of web APIs up to date, from the system tray.

Words, each with one meaning throughout the program:

Endpoint    one thing to mirror: a request, how its response is read, stored and scheduled. It has a stable id.
Request     what is sent to a server (`sync.http.request.Call`); its Response is what came back (`Answer`).
Listing     all pages of an endpoint together, walked from the first to the last.
Page        one response of a listing. Its records come as JSON or as cells (`store.records.pages`).
Record      one item of a page. Its Key are the fields that tell it from all others.
Digest      the 16-byte hash of a record's bytes, by which an unchanged one is recognised without being read.
Cursor      where an incremental run goes on.
Run         one attempt to bring an endpoint's table up to date. It ends succeeded, failed, stopped or held.
Attempt     one try of a run to read its listing; a run makes another when the first did not suffice.
Proof       why a listing is believed to be complete, and so what it lacks to be deleted.
Staging     the records of a run between reading and publishing.
Publish     the one transaction that makes a table equal to its listing and records the run.
Mirror      the table of an endpoint.
Doubt       that a mirror differs from what the last run left, as when another program wrote to it; a run settles it.
Held        deletions that wait for a person's confirmation.
Report      what a run did, with one sentence of it for people.
Schedule    when an endpoint runs by itself: manual, every, cron, times of day, once, or after events only.
Due         an endpoint whose time has come. Blocked: one that a condition holds back, always with the reason.
Planner     the pure state machine that decides what runs; a Driver gives it time, threads and storage.
Condition   something about the machine that runs may wait for: network, power, idle time, programs.
Message     a sentence for people as an id with arguments, rendered in the reader's language.
Problem     what went wrong, for people and programs: messages, a code, the field concerned, what mends it.
Destination where a secret may be sent; a secret goes to those it was given for and to no others.
Command     what a window or another program asks of this one; the same with and without the tray.
"""

__version__ = "0.1.0"
