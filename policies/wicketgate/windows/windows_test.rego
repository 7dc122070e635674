package wicketgate.windows_test

import data.wicketgate.windows

office := {
	"zone": "Europe/Berlin",
	"weekly": {
		"Monday": [["08:00", "12:00"], ["13:00", "18:00"]],
		"Friday": [["08:00", "16:00"], ["22:00", "06:00"]],
		"Sunday": [["00:00", "24:00"]],
	},
	"holidays": ["2026-11-23", "2026-12-25"],
}

at(text) := time.parse_rfc3339_ns(text)

test_inside_a_window if {
	every now in [
		"2026-11-30T08:00:00+01:00", # Monday
		"2026-11-30T11:59:59+01:00",
		"2026-11-30T16:59:59Z",
		"2026-11-27T23:59:00+01:00", # Friday night
		"2026-11-28T05:59:59+01:00",
		"2026-11-29T00:00:00+01:00", # Sunday
		"2026-11-29T23:59:59+01:00",
	] {
		windows.open(office, at(now))
	}
}

test_outside_of_the_windows if {
	every now in [
		"2026-11-30T07:59:59+01:00", # Monday
		"2026-11-30T12:00:00+01:00",
		"2026-11-30T17:00:00Z",
		"2026-11-27T18:00:00+01:00", # Friday
		"2026-11-28T06:00:00+01:00", # Saturday morning, after the night
		"2026-11-28T23:00:00+01:00",
		"2026-11-27T05:00:00+01:00", # the morning before
		"2026-12-01T10:00:00+01:00", # Tuesday
	] {
		not windows.open(office, at(now))
	}
}

test_a_time_zone_has_summers if {
	windows.open(office, at("2026-07-06T06:00:00Z")) # Monday, 8 o'clock in Berlin
	not windows.open(office, at("2026-07-06T05:59:59Z"))
}

test_the_night_before_a_day_of_23_hours if {
	nights := {"zone": "Europe/Berlin", "weekly": {"Sunday": [["22:00", "06:00"]]}}
	windows.open(nights, at("2026-03-30T00:30:00+02:00"))
	windows.open(nights, at("2026-10-26T00:30:00+01:00"))
	not windows.open(nights, at("2026-03-29T00:30:00+01:00"))
}

test_holidays if {
	not windows.open(office, at("2026-11-23T10:00:00+01:00")) # a Monday
	not windows.open(office, at("2026-12-25T23:00:00+01:00")) # a Friday
	not windows.open(office, at("2026-12-26T01:00:00+01:00")) # the night that would have begun on it
	windows.open({"zone": "UTC", "weekly": {"Friday": [["08:00", "16:00"]]}}, at("2026-12-25T10:00:00Z"))
}

test_a_window_with_a_mistake_never_opens if {
	monday := at("2026-11-30T10:00:00+01:00")
	every window in [["8:00", "17:00"], ["08:00", "17h"], ["08:00"], ["08:00", "25:00"], ["00:00", "12:00", "24:00"], []] {
		not windows.open({"zone": "UTC", "weekly": {"Monday": [window]}}, monday)
		windows.open({"zone": "UTC", "weekly": {"Monday": [window, ["09:00", "17:00"]]}}, monday)
	}
}

test_a_calendar_with_a_mistake_is_closed if {
	monday := at("2026-11-30T10:00:00+01:00")
	hours := {"Monday": [["09:00", "17:00"]]}
	windows.open({"zone": "UTC", "weekly": hours, "holidays": {"2026-12-25", "2026-12-26"}}, monday)
	every holiday in ["2026-1-1", "25.12.2026", "2026-25-12", "2026-12-25 ", ""] {
		not windows.open({"zone": "UTC", "weekly": hours, "holidays": ["2026-01-01", holiday]}, monday)
	}
	not windows.open({"zone": "UTC"}, monday)
	not windows.open({"weekly": hours}, monday)
}

test_a_span if {
	from := "2026-11-27T00:00:00+01:00"
	until := "2026-12-01T00:00:00+01:00"
	windows.between(at(from), from, until)
	windows.between(at("2026-11-30T22:59:59Z"), from, until)
	not windows.between(at("2026-11-26T22:59:59Z"), from, until)
	not windows.between(at(until), from, until)
}

test_a_time_told if {
	now := at("2026-11-28T23:05:00Z")
	windows.clock(now, "UTC") == "23:05"
	windows.date(now, "Europe/Berlin") == "2026-11-29"
	windows.weekday(now, "Europe/Berlin") == "Sunday"
}
