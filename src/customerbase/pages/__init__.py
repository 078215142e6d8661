"""The pages a manager opens: the index of a run, and one page a chapter.

Importing this package is cheap. What renders a notebook is imported when the first chapter is rendered.
"""

from customerbase.pages.chapter import chapter_page
from customerbase.pages.index import index_page

__all__ = ["chapter_page", "index_page"]
