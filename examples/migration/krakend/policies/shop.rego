# roles_key and roles.
package shop

allow if input.consumer.claims.role in {"clerk", "manager"}
