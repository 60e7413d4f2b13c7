/* All kernels over the vocabulary of 16 lanes, and their table.
 *
 * A file for one processor includes its vector_*.h, defines KERNEL(name), the name of a kernel on
 * that processor, and includes this. Nothing here changes the order of operations that reference/
 * has: what a lane, or a chain of a tile, computes is what scalar code computes there. */
#include "arithmetic.h"
#include "functions.h"
#include "kernels.h"
#include "reference.h"

#include "vector_functions.h"

#include "elementwise.h"
#include "rows.h"
#include "reverse.h"

#include "tile.h"

#include "strips.h"

#include "few_rows.h"

#include "attention_softmax.h"

#include "attention_block.h"
#include "attention_row.h"

#include "attention.h"

#include "matrix_product.h"
#include "product_f64.h"
#include "resize.h"
#include "transposed_product.h"

#define TABLE_ENTRY(kernel, arguments) .kernel = KERNEL(kernel),
#define TABLE(table_name)                                                                          \
    {.name = table_name, .strip_rows = TILE_ROWS, MMN_KERNELS(TABLE_ENTRY)}
