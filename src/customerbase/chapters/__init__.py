"""What each chapter does, a module a chapter: the steps its cells call, from models to findings."""
