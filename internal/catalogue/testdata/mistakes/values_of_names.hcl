# Locals and variables.
locals {
  a     = local.b
  b     = "${local.c}x"
  c     = [local.a]
  list  = ["a", "b"]
  far   = local.list[2]
  shop  = { name = "x" }
  typo  = local.shop.nam
  sum   = "a" + 1
  div   = 1 / 0
  loop  = [for x in local.list : x]
  call  = upper("x")
  env   = env.HOME
  zero  = 007
  both  = true ? "a" : 404
  part  = "${local.list}"
  wide  = 1e99 * 1e99
  third = 1 / 3
}
locals {
  list = []
}
variable "region" {}
variable "zone" { default = var.regin }
variable "zone" {}
variable "kind" {
  defaults = "x"
  type     = "string"
}
limit "all" {
  quota "q" {
    requests = local.nothing
    window   = var
  }
}
