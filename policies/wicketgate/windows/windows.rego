# METADATA
# title: Time windows
# description: |
#   Whether something is open at a time: at most so long, or week by week by a calendar such as {"zone":
#   "Europe/Berlin", "weekly": {"Monday": [["08:00", "18:00"]]}, "holidays": ["2026-12-25"]}. A calendar has a zone, a
#   name of the IANA's; days in English with their windows, of which one that ends before it begins ends the next day;
#   and maybe holidays, on which no window begins. Take the time from input.time.
package wicketgate.windows

# METADATA
# title: The time is in a span
# description: |
#   between(input.time, "2026-11-27T00:00:00+01:00", "2026-12-01T00:00:00+01:00") is true from the first time on and
#   until just before the second, both as RFC 3339 has them.
# scope: document
between(time_ns, from, until) if {
	time_ns >= time.parse_rfc3339_ns(from)
	time_ns < time.parse_rfc3339_ns(until)
}

# METADATA
# title: The calendar has a window open
# description: |
#   open(data.shop.office, input.time) is true in one of the calendar's windows. A window that is not written like
#   ["08:00", "24:00"] never opens; a holiday that is not written like "2026-12-25" closes the calendar, for nobody
#   knows when it is.
# scope: document
open(calendar, time_ns) if {
	holidays_are_dates(calendar)
	now := clock(time_ns, calendar.zone)
	some days in [0, 1]
	some window in begun(calendar, date_before(time_ns, calendar.zone, days))
	is_window(window)
	covers(window, now, days)
}

# METADATA
# title: The time of day
# description: clock(input.time, "Europe/Berlin") is such as "13:05".
# scope: document
clock(time_ns, zone) := sprintf("%02d:%02d", [hour, minute]) if [hour, minute, _] := time.clock([time_ns, zone])

# METADATA
# title: The date
# description: date(input.time, "Europe/Berlin") is such as "2026-11-28".
# scope: document
date(time_ns, zone) := sprintf("%04d-%02d-%02d", time.date([time_ns, zone]))

# METADATA
# title: The day of the week
# description: weekday(input.time, "Europe/Berlin") is such as "Saturday".
# scope: document
weekday(time_ns, zone) := time.weekday([time_ns, zone])

# METADATA
# title: The date of a time, or of the day before
# description: The day before is found on the calendar, not in hours, for it may have had 23 of them.
# scope: document
date_before(time_ns, zone, 0) := date(time_ns, zone)

date_before(time_ns, zone, 1) := date(time.parse_ns("2006-01-02", date(time_ns, zone)) - 86400000000000, "UTC")

# METADATA
# title: The windows that begin on a date
# scope: document
begun(calendar, day) := calendar.weekly[weekday(time.parse_ns("2006-01-02", day), "UTC")] if {
	not day in object.get(calendar, "holidays", [])
}

# METADATA
# title: A window that began so many days before has a time of day in it
# description: A window that ends before it begins is one of the night and ends the next day.
# scope: document
covers(window, now, 0) if {
	window[0] <= now
	now < end_of_day(window)
}

covers(window, now, 1) if {
	window[1] <= window[0]
	now < window[1]
}

# METADATA
# title: When a window ends on the day it begins
# scope: document
end_of_day(window) := window[1] if window[0] < window[1]

else := "24:00"

# METADATA
# title: A window has two times of day
# description: One expression for both, since windows are read with every decision.
# scope: document
is_window(window) if {
	regex.match(`^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`, concat("-", window))
}

# METADATA
# title: All holidays are dates
# description: One expression for all, since they are read with every decision.
# scope: document
holidays_are_dates(calendar) if {
	regex.match(
		`^\[("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",?)*\]$`,
		json.marshal(object.get(calendar, "holidays", [])),
	)
}
