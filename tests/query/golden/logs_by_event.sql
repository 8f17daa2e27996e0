SELECT intDiv(toUInt32(time) - 1794808800, 3600) AS bucket,
       event AS by_event,
       count() AS sum_messages
FROM logs
WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
GROUP BY bucket, by_event
LIMIT 250001
