# METADATA
# title: Notes
# description: Everybody who logged in reads notes, editors all of them and others their own, without addresses of mail.
package notes

import data.notes.editors

# METADATA
# title: The decision
# scope: document
allow if {
	input.request.method in {"GET", "HEAD"}
	input.request.segments == ["notes"]
	input.consumer
}

# METADATA
# title: Why not
# scope: document
reasons contains "read-only" if not input.request.method in {"GET", "HEAD"}

# METADATA
# title: What a denied caller is told
# scope: document
problem := {"detail": "notes can only be read"} if "read-only" in reasons

# METADATA
# title: The notes that a caller sees
# scope: document
filter := {"/data": {"owner": input.consumer.id}} if not input.consumer.id in editors

# METADATA
# title: What nobody but editors sees in them
# scope: document
mask contains "/data/*/mail" if not input.consumer.id in editors
