"""A search service: keeps an index of the words, compressed documents, and answers to the most frequent queries."""
import collections
import re
import sys
import zlib
from array import array

with open(sys.argv[1], "rb") as file:
    text = file.read()

index = collections.defaultdict(lambda: array("I"))
titles = {}
archive = []
for number, document in enumerate(re.findall(rb"<article.*?</article>", text, re.S)):
    titles[number] = re.search(rb"<h2>(.*?)</h2>", document)[1].decode()
    archive.append(zlib.compress(document))
    for place, word in enumerate(re.findall(rb"[a-z]+", re.sub(rb"<[^>]*>", b" ", document))):
        index[word.decode()].append(number << 16 | place)

frequent = sorted(index, key=lambda word: (-len(index[word]), word))[:300]
documents = {word: {entry >> 16 for entry in index[word]} for word in frequent}
answers = {}
for first in frequent[:60]:
    for second in frequent[:60]:
        found = sorted(documents[first] & documents[second])
        answers[first, second] = [titles[number] for number in found[:20]]

print("ready", flush=True)
sys.stdin.read()
