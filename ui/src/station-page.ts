// The scripts of a station's page. The order matters: the station finds the others ready.
import "./player";
import "./timeline";
import "./clip";
import "./station";
