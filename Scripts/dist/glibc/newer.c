// What glibc has had since 2.35 and 2.36, for machines with 2.34. No numerics of cka use them.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

void arc4random_buf(void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t more = getrandom((char *)bytes + done, count - done, 0);
    if (more > 0) done += (size_t)more;
  }
}

uint32_t arc4random(void) {
  uint32_t number;
  arc4random_buf(&number, sizeof number);
  return number;
}

// The sum of two squares of 24-bit numbers is exact to 2⁻⁵³, and cannot overflow.
float hypotf(float x, float y) { return (float)sqrt((double)x * x + (double)y * y); }

// To some two units in the last place.
double hypot(double x, double y) {
  x = fabs(x), y = fabs(y);
  if (isinf(x) || isinf(y)) return INFINITY;
  const double more = x > y ? x : y, less = x > y ? y : x;
  if (more == 0 || isnan(x + y)) return x + y;
  const double ratio = less / more;
  return more * sqrt(1 + ratio * ratio);
}
