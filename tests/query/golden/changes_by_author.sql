SELECT r.by_author AS by_author,
       r.sum_changes AS sum_changes,
       r.sum_added AS sum_added,
       sum(r.sum_changes) OVER () AS all_sum_changes,
       sum(r.sum_added) OVER () AS all_sum_added
FROM (
  SELECT author AS by_author,
         count() AS sum_changes,
         sum(added) AS sum_added
  FROM changes
  WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY by_author
) AS r
ORDER BY r.sum_added DESC, by_author
LIMIT 11
