"""The steps that chapters' cells call, from models to findings: a folder a chapter, beside what several share."""
