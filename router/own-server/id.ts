/** The id of the router's own server. */
export const OWN_ID = 'router';
