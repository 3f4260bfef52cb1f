// Takes the sign-in answer out of the address bar and the history entry before anything else runs.
// What it found can be asked for once; it is never stored.
'use strict';
(function () {
  var fragment = location.hash.length > 1 ? new URLSearchParams(location.hash.slice(1)) : null;
  if (fragment !== null) history.replaceState(null, '', location.pathname + location.search);
  window.takeSignIn = function () {
    var found = fragment;
    fragment = null;
    return found;
  };
})();
