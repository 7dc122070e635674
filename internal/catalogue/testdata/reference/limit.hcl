## A hundred a minute and ten thousand a day for each consumer; a batch costs as much as what is in it.
limit "per_consumer" {
  key        = [consumer.id, api.version] # each consumer, in each version
  cost       = body == null ? 1 : len(body.lines)
  concurrent = 10
  quota "burst" {
    requests = 100
    window   = local.minute
  }
  quota "daily" {
    requests = 10000
    window   = "24h"
  }
  plan "gold" {
    concurrent = 100
    quota "daily" {
      requests = 1000000
      window   = "24h"
    }
  }
}

limit "listing" {
  quota "hourly" {
    requests = 1000
    window   = "1h"
  }
}

## Against abuse, of which nobody is told.
limit "abuse" {
  key    = client.address
  hidden = true
  quota "burst" {
    requests = 1000
    window   = "1m"
  }
}
