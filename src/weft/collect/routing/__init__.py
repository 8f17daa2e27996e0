"""What routers say of their routes: BMP, MRT files and BGP sessions into one RIB and its history in the store.

    BMP stream ─┐
    MRT file   ─┼─ decode ─ Rib.apply ─ rows of ``routes`` ─ intake
    BGP session ┘            └─ best routes for the enrichment of flows

The RIB decides what is news: a route sent again unchanged is counted and not stored. A session that goes away takes its
routes with it, in memory and, by a ``peer_down`` row, in the history. Must never announce anything to anybody.
"""
