# Ran once, on Python 2.
import csv, sys

for row in csv.reader(open(sys.argv[1], "rb")):
    print row[0], "imported"
