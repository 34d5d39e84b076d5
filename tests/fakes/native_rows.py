"""One good row of each CSV: FreeSWITCH's, CGRateS's, and one that a field map explains."""

from tests.fakes.native_lines import OWN, RIVAL

MAPPED = """
stream = "cdr"
columns = ["start", "from", "to", "seconds"]
fields.ts_ms = {column = "start"}
fields.account_id = {column = "from", as = "account"}
fields.line_id = {column = "from"}
fields.service = {constant = "voice"}
fields.direction = {constant = "mo"}
fields.peer_operator = {column = "to", as = "operator"}
fields.peer_kind = {column = "to", as = "peer_kind"}
fields.duration_s = {column = "seconds"}
fields.charge = {constant = 0}
fields.roaming = {constant = false}
"""
MAPPED_ROW = f'"2026-03-02 10:00:00","{OWN}","{RIVAL}","60"'.encode()
SWITCH_ROW = (
    f'"Chen","{OWN}","{RIVAL}","c","2026-03-02 10:00:00","","2026-03-02 10:00:09","9","0","BUSY","u1","","acme"'
).encode()
RATED_ROW = f'c1,*default,*voice,o1,*rated,t,call,acme,{OWN},{RIVAL},2026-03-02T02:00:00Z,,10s,"1.01"'.encode()
RATED = {"CGRID": "c1", "Account": "acme", "Subject": OWN, "Destination": RIVAL, "AnswerTime": "2026-03-02T02:00:00Z"}
