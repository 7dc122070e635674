case "hidden" {
