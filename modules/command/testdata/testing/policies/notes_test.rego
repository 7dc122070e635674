package notes_test

import data.notes

test_acme if notes.allow with input as {"consumer": {"id": "acme"}}

test_stranger if {
	notes.reasons == {"unknown"} with input as {"consumer": {"id": "globex"}}
}

todo_test_groups if false
