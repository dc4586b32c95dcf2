// The scripts of people's recount. The order does not matter: the two elements know nothing of one another.
import "./reader";
import "./along";
