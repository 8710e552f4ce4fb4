#pragma once
#include <boost/asio/awaitable.hpp>

#include "pch_pure.h"
