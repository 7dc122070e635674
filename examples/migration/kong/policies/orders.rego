# The plugin acl.
package orders

allow if "partners" in input.consumer.groups
