#include "tessera/tessera.hpp"
