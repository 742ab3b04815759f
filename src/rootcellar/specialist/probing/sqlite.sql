-- server_journal_mode: wal lets readers and one writer work at once
pragma journal_mode
