"""The five domains; each module draws one."""
from . import documents, driving, everyday, medical, remote

DOMAINS = {"everyday": everyday.draw, "driving": driving.draw, "medical": medical.draw,
           "documents": documents.draw, "remote": remote.draw}
