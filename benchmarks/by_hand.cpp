// The binned proxy as a physicist who knows C++ writes it by hand: the Poisson terms and their gradient, no priors.
// Nodes of a bin lie side by side across bins, so that all loops run along them; -Ofast vectorises exp and log.
#include <cmath>

constexpr int MOST_BINS = 256, MOST_NODES = 16 * MOST_BINS;

// z: log c, a, b of u, then of d. weights, log_x and log_rest (log(1 - x)) are (nodes, bins), counts (bins).
static double value_and_gradient(const double* z, const double* weights, const double* log_x, const double* log_rest,
                                 const double* n_p, const double* n_n, int bins, int nodes, double* gradient) {
    static thread_local double u[MOST_NODES], d[MOST_NODES];
    const int all = bins * nodes;
    #pragma omp simd
    for (int i = 0; i < all; i++) {
        u[i] = weights[i] * std::exp(z[0] + z[1] * log_x[i] + z[2] * log_rest[i]);
        d[i] = weights[i] * std::exp(z[3] + z[4] * log_x[i] + z[5] * log_rest[i]);
    }
    double moments[6][MOST_BINS] = {};
    for (int k = 0; k < nodes; k++) {
        const int first = k * bins;
        #pragma omp simd
        for (int i = 0; i < bins; i++) {
            const double x = log_x[first + i], rest = log_rest[first + i];
            moments[0][i] += u[first + i]; moments[1][i] += u[first + i] * x; moments[2][i] += u[first + i] * rest;
            moments[3][i] += d[first + i]; moments[4][i] += d[first + i] * x; moments[5][i] += d[first + i] * rest;
        }
    }
    double value = 0, g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0;
    #pragma omp simd reduction(+ : value, g0, g1, g2, g3, g4, g5)
    for (int i = 0; i < bins; i++) {
        double p = 4 * moments[0][i] + moments[3][i], n = moments[0][i] + 4 * moments[3][i];
        value += n_p[i] * std::log(p) - p + n_n[i] * std::log(n) - n;
        double of_p = n_p[i] / p - 1, of_n = n_n[i] / n - 1;
        double of_u = 4 * of_p + of_n, of_d = of_p + 4 * of_n;
        g0 += of_u * moments[0][i]; g1 += of_u * moments[1][i]; g2 += of_u * moments[2][i];
        g3 += of_d * moments[3][i]; g4 += of_d * moments[4][i]; g5 += of_d * moments[5][i];
    }
    const double found[6] = {g0, g1, g2, g3, g4, g5};
    for (int j = 0; j < 6; j++) gradient[j] = found[j];
    return value;
}

extern "C" double binned(const double* start, const double* weights, const double* log_x, const double* log_rest,
                         const double* n_p, const double* n_n, int bins, int nodes, double* gradient, int turns) {
    double z[6], value = 0;
    for (int j = 0; j < 6; j++) z[j] = start[j];
    for (int turn = 0; turn < turns; turn++) {
        value = value_and_gradient(z, weights, log_x, log_rest, n_p, n_n, bins, nodes, gradient);
        for (int j = 0; j < 6; j++) z[j] -= 1e-12 * gradient[j];
    }
    return value;
}
