// What every page loads: htmx for the list that answers while one types. Pages read and work without it.
import "htmx.org";
