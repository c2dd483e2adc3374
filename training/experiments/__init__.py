"""The chapter's discussions as experiments: how descent converges, and how the network compares with others."""
