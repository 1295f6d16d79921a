// SPDX-License-Identifier: MIT
// expect: LrnOp
// lines: 15 20
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;

struct Careful : Reference {
#ifdef MISTAKE
    struct Lrn {};
#else
    using Lrn = reference::Lrn;
#endif
};
static_assert(Backend<Careful>);

int main() {}
